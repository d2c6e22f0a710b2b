"""From Alertmanager's webhook to people: a durable queue, messages without addresses, fallback, escalation, a dead man's switch.

A program of its own (``tslcd-collector pager``) that may run alone in a DMZ: it imports nothing of intake, board or judge.
"""
