"""The contract for programs in other languages: JSON Schema 2020-12 and AsyncAPI 3, generated from the types.

``python -m tslcd_wire.schema`` writes the files beside this one; a test holds them to the types.
"""
