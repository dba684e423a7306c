"""Evaluate: turn a loaded stack into a blueprint."""

from trellis.evaluating.stack import evaluate, evaluate_without_overrides

__all__ = ["evaluate", "evaluate_without_overrides"]
