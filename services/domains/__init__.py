"""Domains: which organisation a DNS domain belongs to: claims, nominations of global administrators, and proofs by DNS record.

Owns: claims, associations of purchasing accounts, nominations, proof checks.
Tells: domain.associated, admin.nominated, admin.accepted, admin.declined, admin.nomination_expired, domain.verified
Hears: account.registered, identity.access
"""
