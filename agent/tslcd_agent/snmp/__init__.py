"""Reading devices over SNMP."""
