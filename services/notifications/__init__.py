"""Notifications: writes to people and partners in their language, and keeps what was sent and what became of it.

Owns: deliveries (one mail per event, recipient and template) and copies of the profiles and names that letters need.
Tells: notification.delivered, notification.failed
Hears: person.profile, partner.profile, account.registered, invitation.sent, invitation.accepted, invitation.expired, \
admin.nominated, admin.accepted, admin.declined, admin.nomination_expired, domain.verified, order.placed, \
service.provisioned, partner.billing_due, identity.access
"""
