"""Single-image super-resolution with SRGAN and its family in TensorFlow and Keras 3.

The package is built in floors, and each file imports only from its own floor or a lower one; docs/ARCHITECTURE.md
has the plan. Importing the package imports neither TensorFlow nor anything else.
"""

__version__ = "0.1.0"
