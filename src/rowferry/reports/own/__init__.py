"""Reports of one's own: files of SQL, each with what it declares about itself in the comment at its beginning."""
