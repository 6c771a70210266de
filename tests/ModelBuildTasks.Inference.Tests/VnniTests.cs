namespace ModelBuildTasks.Inference.Tests;

[TestClass]
public sealed class VnniTests
{
    [TestMethod]
    [OSCondition(OperatingSystems.Linux, IgnoreMessage = "/proc/cpuinfo tells what the processor has.")]
    public void Is_missing_where_an_x64_processor_has_neither_form()
    {
        string[]? flags = File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith("flags", StringComparison.Ordinal))?.Split(' ');

        Assert.AreEqual(flags is not null && !flags.Contains("avx512_vnni") && !flags.Contains("avx_vnni"), Vnni.IsMissing);
    }
}
