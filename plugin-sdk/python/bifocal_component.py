"""What componentize-py makes a component of: the transform of the author's module `transform`."""

from bifocal.component import export, prepare, transform_of

prepare()

import transform  # noqa: E402

Transform = export(transform_of(transform))
