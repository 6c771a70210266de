using ModelBuildTasks.Contracts;

namespace ModelBuildTasks.Contracts.Tests;

[TestClass]
public sealed class Quantities
{
    [TestMethod]
    [DataRow("400KB", 400L * 1024)]
    [DataRow("1.5 mb", 1536L * 1024)]
    [DataRow("2GiB", 2L * 1024 * 1024 * 1024)]
    [DataRow("81920", 81920L)]
    [DataRow("512 B", 512L)]
    public void Reads_sizes(string text, long bytes)
    {
        Assert.IsTrue(Quantity.TryParseSize(text, out var parsed));
        Assert.AreEqual(bytes, parsed);
    }

    [TestMethod]
    [DataRow("8ms", 8.0)]
    [DataRow("1.5s", 1500.0)]
    [DataRow("250 us", 0.25)]
    [DataRow("2min", 120000.0)]
    public void Reads_durations(string text, double milliseconds)
    {
        Assert.IsTrue(Quantity.TryParseDuration(text, out var parsed));
        Assert.AreEqual(milliseconds, parsed, 1e-9);
    }

    [TestMethod]
    [DataRow(90, "90s")]
    [DataRow(300, "5min")]
    [DataRow(7200, "2h")]
    [DataRow(1.5, "1500ms")]
    public void Writes_durations_as_they_are_read(double seconds, string text)
    {
        Assert.AreEqual(text, Quantity.Duration(TimeSpan.FromSeconds(seconds)));
        Assert.IsTrue(Quantity.TryParseDuration(text, out var milliseconds));
        Assert.AreEqual(seconds * 1000, milliseconds);
    }

    [TestMethod]
    [DataRow(64L << 20, "64MB")]
    [DataRow(3L << 30, "3GB")]
    [DataRow(1536, "1536B")]
    [DataRow(2048, "2KB")]
    [DataRow(100, "100B")]
    public void Writes_sizes_as_they_are_read(long bytes, string text)
    {
        Assert.AreEqual(text, Quantity.Size(bytes));
        Assert.IsTrue(Quantity.TryParseSize(text, out var read));
        Assert.AreEqual(bytes, read);
    }

    [TestMethod]
    [DataRow("big")]
    [DataRow("KB")]
    [DataRow("-1KB")]
    [DataRow("NaN")]
    [DataRow("1e30GB")]
    public void Refuses_what_is_no_size(string text) => Assert.IsFalse(Quantity.TryParseSize(text, out _));

    [TestMethod]
    [DataRow("8")]
    [DataRow("ms")]
    [DataRow("-1ms")]
    [DataRow("8,5ms")]
    public void Refuses_a_duration_without_a_unit_or_a_plain_number(string text) => Assert.IsFalse(Quantity.TryParseDuration(text, out _));
}
