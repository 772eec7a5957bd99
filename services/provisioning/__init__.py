"""Provisioning: what can be ordered, what a customer has, who sits on it, and what its partner shall bill.

Owns: the catalogue, orders, entitlements with their ledger, seats, obligations, the partner feed.
Tells: order.placed, service.provisioned, seat.assigned, seat.released, partner.billing_due
Hears: account.registered, domain.associated, domain.verified, identity.access
"""
