"""This organization: which OUs, accounts and guardrails it has. Composition only."""
