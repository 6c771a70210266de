using ModelBuildTasks.Contracts.Caching;

namespace ModelBuildTasks.Contracts.Tests.Caching;

[TestClass]
public sealed class RemoteCacheAddressTests
{
    [TestMethod]
    [DataRow("http://cache.example.com", "http://cache.example.com/")]
    [DataRow(" https://cache.example.com/models ", "https://cache.example.com/models/")]
    [DataRow("http://localhost:8080/a/b/", "http://localhost:8080/a/b/")]
    public void A_url_is_the_folder_of_ac_and_cas(string text, string expected) => Assert.AreEqual(expected, RemoteCacheAddress.Parse(text)!.ToString());

    [TestMethod]
    public void Credentials_are_taken_out_of_the_url()
    {
        var address = RemoteCacheAddress.Parse("https://build:s%40cret@cache.example.com/models")!;

        Assert.AreEqual("build:s@cret", address.Credentials);
        Assert.AreEqual("https://cache.example.com/models/", address.ToString());
    }

    [TestMethod]
    [DataRow("")]
    [DataRow("cache.example.com")]
    [DataRow("/var/cache")]
    [DataRow("ftp://cache.example.com")]
    [DataRow("file:///var/cache")]
    [DataRow("http://")]
    [DataRow("http://cache.example.com/?token=1")]
    public void What_is_no_http_url_is_refused(string text) => Assert.IsNull(RemoteCacheAddress.Parse(text));

    [TestMethod]
    [DataRow("ftp://build:secret@cache.example.com", "***@cache.example.com")]
    [DataRow("build:se@cret@cache", "***@cache")]
    [DataRow("/var/cache", "/var/cache")]
    [DataRow("https://cache.example.com/models?token=secret", "https://cache.example.com/models?***")]
    [DataRow("https://build:secret@cache.example.com/#key", "***@cache.example.com/#***")]
    public void A_refused_url_is_shown_without_what_may_be_a_password(string text, string expected) => Assert.AreEqual(expected, RemoteCacheAddress.Redact(text));
}
