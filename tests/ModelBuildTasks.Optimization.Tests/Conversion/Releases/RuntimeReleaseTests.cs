using ModelBuildTasks.Optimization.Conversion.Releases;

namespace ModelBuildTasks.Optimization.Tests.Conversion.Releases;

[TestClass]
public sealed class RuntimeReleaseTests
{
    [TestMethod]
    [DataRow("1.14.0", 18L, 8L)]
    [DataRow("1.16.3", 19L, 9L)]
    [DataRow("1.20.1", 21L, 10L)]
    [DataRow("1.22.0-rev", 22L, 10L)]
    [DataRow("1.24.0-dev.20260114-c343143a49", 25L, 13L)]
    [DataRow("1.99.0", 26L, 13L)]
    public void A_version_reads_what_its_row_says(string version, long opset, long irVersion)
    {
        RuntimeRelease release = RuntimeRelease.Find(version)!;

        Assert.AreEqual(opset, release.Opset);
        Assert.AreEqual(irVersion, release.IrVersion);
        Assert.AreEqual(version, release.ToString());
    }

    [TestMethod]
    [DataRow("1.11.0")]
    [DataRow("0.5")]
    [DataRow("latest")]
    [DataRow("")]
    public void Of_older_versions_and_other_texts_nothing_is_known(string version) => Assert.IsNull(RuntimeRelease.Find(version));
}
