"""Pictures that are kept: one folder, one table, brought up to date by sync."""
