"""Build-time documents: `render(experiment)` gives every text of a run's folder by its file name."""

from .design import render_documents as render

__all__ = ["render"]
