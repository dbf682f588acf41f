import CKernels
import Foundation
import Testing

@Suite struct DispatchTests {
  @Test func portableIsAlwaysThereAndFirst() {
    #expect(KernelTable.all.first?.description == "portable")
    #expect(Set(KernelTable.all.map(\.description)).count == KernelTable.all.count)
    #expect(ur_available_kernels(nil, 0) == KernelTable.all.count)
  }

  @Test func theActiveTableIsTheBestOrTheOneAskedFor() {
    let asked = ProcessInfo.processInfo.environment["UNROLL_ISA"] ?? ""
    let expected = asked.isEmpty ? KernelTable.all.last?.description : asked
    #expect(String(cString: ur_active_kernels().pointee.name) == expected)
  }

  @Test(arguments: KernelTable.all) func sizesFitTogether(table: KernelTable) {
    #expect(table.panel % table.width == 0 && table.tile > 0)
    #expect(ur_packed_count(table.pointer, 3, table.panel + 1) == 6 * table.panel)
    #expect(ur_packed_count(table.pointer, 3, 0) == 0)
    #expect(table.kernels.fma_flops_per_round > 0)
    #expect(table.kernels.fma_burst(1000).isFinite)
  }
}
