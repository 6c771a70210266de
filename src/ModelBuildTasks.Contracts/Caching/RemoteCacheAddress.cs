using System;

namespace ModelBuildTasks.Contracts.Caching;

/// <summary>The URL of a remote cache, taken apart: the password of <c>https://user:password@host/path</c> is never shown.</summary>
public sealed class RemoteCacheAddress
{
    /// <summary>
    /// The environment variable that carries the URL to the worker. Not the request file, which stays on disk and is embedded in binary
    /// logs; and another server is no reason to optimize again.
    /// </summary>
    public const string Variable = "MODELBUILD_REMOTE_CACHE";

    /// <summary>What a valid one is, as a clause.</summary>
    public const string Expected = "an http or https URL, such as https://cache.example.com/models";

    private RemoteCacheAddress(Uri url, string? credentials)
    {
        Url = url;
        Credentials = credentials;
    }

    /// <summary>Without credentials; ends in a slash.</summary>
    public Uri Url { get; }

    /// <summary><c>user:password</c>, or null.</summary>
    public string? Credentials { get; }

    public override string ToString() => Url.AbsoluteUri;

    /// <returns>Null when this is no http or https URL.</returns>
    public static RemoteCacheAddress? Parse(string text)
    {
        if (!Uri.TryCreate(text.Trim(), UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https") || uri.Host.Length == 0 || uri.Query.Length > 0 || uri.Fragment.Length > 0)
        {
            return null;
        }

        var bare = new UriBuilder(uri) { UserName = "", Password = "", Path = uri.AbsolutePath.TrimEnd('/') + "/" };
        return new RemoteCacheAddress(bare.Uri, uri.UserInfo.Length > 0 ? Uri.UnescapeDataString(uri.UserInfo) : null);
    }

    /// <summary>A text that may be no URL, without what may be a password in it.</summary>
    public static string Redact(string text)
    {
        var query = text.IndexOfAny(['?', '#']);
        var address = query < 0 ? text : text.Substring(0, query + 1) + "***";
        return address.LastIndexOf('@') is var at and >= 0 ? "***" + address.Substring(at) : address;
    }
}
