"""Work spread over whoever does it: this process, or the actors of a Ray cluster.

Importing it imports no ray.
"""

from evalkit.spreading.crew import Alone, Crew, Loss, Work, each_or_parts
from evalkit.spreading.ray_cluster import RayCluster, Replicas
from evalkit.spreading.ray_crew import RayCrew

__all__ = ["Alone", "Crew", "Loss", "RayCluster", "RayCrew", "Replicas", "Work", "each_or_parts"]
