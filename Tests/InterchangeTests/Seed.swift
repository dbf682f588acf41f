import Testing
@Suite struct Seed { @Test func seed() { #expect(Bool(true)) } }
