"""HTML pages, rendered on the server and usable without JavaScript. One package per capability."""
