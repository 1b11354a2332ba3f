"""What `handlers.database` is made of: tables, the steps that make them, and the rule of which word on a thing counts."""
