"""What pipelines show reviewers, and how they run Pulumi: ``python -m pulumi_dcs.review``."""
