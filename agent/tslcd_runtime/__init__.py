"""What both programs stand on: strict settings, secrets, units, logs, health, the door to MQTT.

Knows nothing of the agent's or the collector's work, and imports nothing of theirs.
"""
