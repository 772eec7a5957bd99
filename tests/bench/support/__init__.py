"""What measurements share: servers and reports, workers in processes of their own, backlogs."""
