"""A comment on a merge request: plan or drift in Markdown, for GitHub and GitLab; data stands in code, not in prose."""
