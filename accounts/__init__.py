"""Who may do what: people, roles, groups, devices, tokens, and the one gate."""
