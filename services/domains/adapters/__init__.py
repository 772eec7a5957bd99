"""What domains needs from outside, for real: the DNS, lists of names, identity."""
