// The whole library: `import Unroll` brings every room an app needs.
@_exported import Corpora
@_exported import Interchange
@_exported import Networks
@_exported import Paradigms
@_exported import Recurrence
@_exported import Reports
@_exported import Tensors
@_exported import Training
