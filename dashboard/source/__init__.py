"""Dashboards as code: `make dashboards` writes each module of `boards` as Grafana's JSON of the same name."""
