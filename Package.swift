// swift-tools-version: 6.2
import PackageDescription

// One target is one room; a room imports only rooms listed before it. ARCHITECTURE.md says what each is for.
let package = Package(
  name: "unroll",
  platforms: [.macOS(.v15)],
  products: [
    .library(name: "Unroll", targets: ["Unroll"]),
    .executable(name: "unroll", targets: ["UnrollCommand"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2")
  ],
  targets: [
    .target(name: "CKernels", exclude: ["bodies"]),
    .systemLibrary(name: "CZlib"),
    .target(name: "Tensors", dependencies: ["CKernels"]),
    .target(name: "Recurrence", dependencies: ["CKernels", "Tensors"]),
    .target(name: "Networks", dependencies: ["Tensors", "Recurrence"]),
    .target(name: "Interchange", dependencies: ["CZlib", "Tensors"]),
    .target(name: "Corpora", dependencies: ["Tensors", "Interchange"]),
    .target(name: "Training", dependencies: ["CKernels", "Tensors", "Networks", "Interchange"]),
    .target(
      name: "Paradigms",
      dependencies: ["Tensors", "Recurrence", "Networks", "Interchange", "Corpora", "Training"]),
    .target(
      name: "Reports", dependencies: ["Tensors", "Recurrence", "Networks", "Interchange", "Training", "Paradigms"]),
    .target(
      name: "Unroll",
      dependencies: ["Tensors", "Recurrence", "Networks", "Interchange", "Corpora", "Training", "Paradigms", "Reports"]),
    .executableTarget(
      name: "UnrollCommand",
      dependencies: ["Unroll", "CKernels", .product(name: "ArgumentParser", package: "swift-argument-parser")]),
    .target(name: "TestSupport", dependencies: ["Tensors", "Recurrence", "Networks"]),
    .testTarget(name: "TidyTests"),
    .testTarget(name: "CKernelsTests", dependencies: ["CKernels", "TestSupport"]),
    .testTarget(name: "TensorsTests", dependencies: ["Tensors", "TestSupport"]),
    .testTarget(name: "RecurrenceTests", dependencies: ["Tensors", "Recurrence", "Networks", "TestSupport"]),
    .testTarget(name: "NetworksTests", dependencies: ["Tensors", "Recurrence", "Networks", "TestSupport"]),
    .testTarget(name: "InterchangeTests", dependencies: ["Interchange", "Tensors", "TestSupport"]),
    .testTarget(name: "CorporaTests", dependencies: ["Corpora", "Interchange"]),
    .testTarget(
      name: "ParadigmsTests",
      dependencies: [
        "Paradigms", "Corpora", "Training", "Networks", "Interchange", "Recurrence", "Tensors", "TestSupport",
      ]),
    .testTarget(name: "ReportsTests", dependencies: ["Reports", "Paradigms", "Training", "Interchange", "Recurrence"]),
    // Sees what an app sees: what README and guide show is public, and `import Unroll` brings it.
    .testTarget(name: "UnrollTests", dependencies: ["Unroll"], packageAccess: false),
    .testTarget(
      name: "TrainingTests",
      dependencies: ["Training", "Networks", "Recurrence", "Interchange", "Tensors", "TestSupport"]),
    .testTarget(name: "UnrollCommandTests", dependencies: ["UnrollCommand", "TestSupport"]),
  ],
  swiftLanguageModes: [.v6]
)
