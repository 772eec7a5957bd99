"""The pages that people see: signing in and accepting an invitation."""
