using System.Diagnostics;
using System.Globalization;

namespace ModelBuildTasks.Optimization.Tests.Simplification;

/// <summary>
/// Memory is measured in a process of its own, as anonymous pages: those of mapped files, which the system's own peak counts
/// too, are taken back when something else needs them.
/// </summary>
[TestClass]
public class LargeModelTests
{
    private const string OptIn = "MODELBUILD_LARGE_MODELS";

    /// <summary>A process with .NET and ONNX Runtime in it takes some 50 MiB; a copy of these weights would take 320 more.</summary>
    [TestMethod]
    [DataRow("--inside")]
    [DataRow(null)]
    public void Memory_stays_below_half_of_the_weights(string? placement) =>
        Assert.IsLessThan(160, PeakMebibytes(placement is null ? ["--size", "320"] : ["--size", "320", placement]));

    /// <summary>
    /// Half a minute and 5 GB of disk, so only on demand: <c>MODELBUILD_LARGE_MODELS=1 dotnet test --project
    /// tests/ModelBuildTasks.Optimization.Tests --filter "FullyQualifiedName~LargeModel"</c>.
    /// </summary>
    [TestMethod]
    public void A_model_over_2_GB_is_simplified_in_less_than_600_MB()
    {
        if (Environment.GetEnvironmentVariable(OptIn) is null)
        {
            Assert.Inconclusive($"The test writes 5 GB; set {OptIn} to run it.");
        }

        Assert.IsLessThan(600, PeakMebibytes("--size", "2300"));
    }

    private static int PeakMebibytes(params string[] arguments)
    {
        ProcessStartInfo start = new("dotnet", ["exec", Path.Combine(AppContext.BaseDirectory, "ModelBuildTasks.Benchmarks.dll"), "simplification-memory", .. arguments])
        {
            RedirectStandardOutput = true,
        };
        using Process process = Process.Start(start)!;
        string[] table = process.StandardOutput.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        process.WaitForExit();
        Assert.AreEqual(0, process.ExitCode);
        return int.Parse(table[^1].Split('|')[^2], CultureInfo.InvariantCulture);
    }
}
