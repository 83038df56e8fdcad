"""The pages that one works in: `rating_app` is the ASGI application of the rating page, `page_server` serves it."""
