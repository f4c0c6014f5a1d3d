"""HTML pages: server-rendered, working without a script, one blueprint per area."""
