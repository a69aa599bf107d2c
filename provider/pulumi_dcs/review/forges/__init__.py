"""The places where reviewers read: GitHub and GitLab."""
