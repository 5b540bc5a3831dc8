"""Terraform's configuration, evaluated without Terraform: what an environment would be, resource by resource.

`python-hcl2` parses, and what is here does the rest as far as `infrastructure/` needs it. It refuses what it does not
know. Where Terraform itself is at hand, a test compares it with a real plan.
"""
