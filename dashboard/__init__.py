"""Dashboards of the stack."""
