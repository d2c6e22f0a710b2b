"""The wire contract between agent and collector: report, catalogue, codec and topics.

Imports the standard library and msgspec only, so that anybody may take it as a client library.
"""
