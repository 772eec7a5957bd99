"""Identity: who somebody is, how they came in, and what they may do where.

Owns: partners, agreements, purchasing accounts, people, roles, invitations, machine clients, sign-in, signing keys.
Tells: person.profile, partner.profile, agreement.signed, account.registered,
    invitation.sent, invitation.accepted, invitation.expired, identity.access
Hears: nothing
"""
