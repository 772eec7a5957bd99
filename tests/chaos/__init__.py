"""The fire drill: a whole stack under load, faults by seed, and an audit from outside."""
