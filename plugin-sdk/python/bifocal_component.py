"""What componentize-py makes a component of: the transform of the author's module `transform`."""

import transform

from bifocal.component import export, transform_of

Transform = export(transform_of(transform))
