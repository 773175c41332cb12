"""The supported policy types: one module each, with a value `POLICY_TYPE`."""
