using ModelBuildTasks.Contracts;

namespace ModelBuildTasks.Contracts.Tests;

[TestClass]
public sealed class Targets
{
    [TestMethod]
    [DataRow("", "cpu")]
    [DataRow("linux-x64", "cpu-x64")]
    [DataRow("linux-musl-x64", "cpu-x64")]
    [DataRow("win-arm64", "cpu-arm64")]
    [DataRow("android-arm64", "cpu-arm64")]
    [DataRow("win-x86", "cpu")]
    [DataRow("linux-arm", "cpu")]
    [DataRow("browser-wasm", "cpu")]
    public void A_runtime_identifier_has_its_own_profile(string runtimeIdentifier, string target) =>
        Assert.AreEqual(target, TargetNames.Default(runtimeIdentifier));

    [TestMethod]
    [DataRow("cpu", "linux-arm64", true)]
    [DataRow("cpu-x64", "linux-arm64", false)]
    [DataRow("cpu-x64", "", true)]
    [DataRow("cuda", "linux-x64", true)]
    [DataRow("cuda", "osx-arm64", false)]
    [DataRow("cuda", "android-arm64", false)]
    [DataRow("cuda", "win-x86", false)]
    public void A_profile_runs_only_where_it_can(string target, string runtimeIdentifier, bool expected) =>
        Assert.AreEqual(expected, TargetNames.CanRun(target, runtimeIdentifier));
}
