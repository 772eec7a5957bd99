"""The outside of provisioning."""
