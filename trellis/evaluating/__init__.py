"""Evaluate: turn a loaded stack into a blueprint."""

from trellis.evaluating.stack import evaluate

__all__ = ["evaluate"]
