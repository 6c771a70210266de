using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using ModelBuildTasks.Contracts.Caching;
using ModelBuildTasks.Worker.Pipeline;

namespace ModelBuildTasks.Worker.Caching;

/// <summary>GET and PUT of bounded bodies in bounded time. Whatever goes wrong on the way is a <see cref="RemoteCacheException"/>.</summary>
/// <param name="address">The server, and the credentials that go to it and nowhere else.</param>
/// <param name="patience">How long any request may take, besides the time that its body needs.</param>
internal sealed class RemoteClient(RemoteCacheAddress address, TimeSpan patience)
{
    /// <summary>Slower than that, optimizing again is as fast.</summary>
    private const int LeastBytesPerSecond = 256 * 1024;

    private const int BufferSize = 1 << 17;

    // No redirects: they would carry requests to where nobody configured them to go.
    private static readonly HttpClient Http = new(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, ConnectTimeout = TimeSpan.FromSeconds(5) })
    {
        Timeout = Timeout.InfiniteTimeSpan,
    };

    private readonly AuthenticationHeaderValue? authorization =
        address.Credentials is { } credentials ? new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes(credentials))) : null;

    /// <returns>The body; null when there is none.</returns>
    internal byte[]? Get(string path, int limit, CancellationToken cancellation) => Within(limit, async token =>
    {
        using MemoryStream body = new();
        return await Receive(path, limit, body, token).ConfigureAwait(false) is null ? null : body.ToArray();
    }, cancellation);

    /// <summary>Streams a body to a file, and checks that it is the one that was asked for.</summary>
    /// <returns>Whether there is one.</returns>
    internal bool Download(string path, string sha256, long length, string destination, CancellationToken cancellation) => Within(length, async token =>
    {
        FileStream file = new(destination, FileMode.Create, FileAccess.Write, FileShare.None);
        await using (file.ConfigureAwait(false))
        {
            string? found = await Receive(path, length, file, token).ConfigureAwait(false);
            return found is null ? false
                : found == sha256 && file.Length == length ? true
                : throw new RemoteCacheException("it sent an artifact whose bytes are not those of its hash", isUnusable: false);
        }
    }, cancellation);

    /// <returns>False when the server takes nothing from us, which makes it one to read from.</returns>
    internal bool Put(string path, Func<Stream> open, CancellationToken cancellation)
    {
        using Stream body = open();
        return Within(body.Length, async token =>
        {
            using HttpRequestMessage request = Request(HttpMethod.Put, path);
            request.Content = new StreamContent(body, BufferSize);
            request.Content.Headers.ContentLength = body.Length;
            using HttpResponseMessage response = await Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, token).ConfigureAwait(false);
            return response.IsSuccessStatusCode ? true
                : response.StatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden or HttpStatusCode.MethodNotAllowed or HttpStatusCode.NotImplemented ? false
                : throw Unexpected(request.Method, response.StatusCode);
        }, cancellation);
    }

    /// <returns>SHA-256 of what was received; null when there is nothing.</returns>
    private async Task<string?> Receive(string path, long limit, Stream destination, CancellationToken token)
    {
        using HttpRequestMessage request = Request(HttpMethod.Get, path);
        using HttpResponseMessage response = await Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, token).ConfigureAwait(false);
        if (response.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.Gone)
        {
            return null;
        }

        if (response.StatusCode != HttpStatusCode.OK)
        {
            throw Unexpected(request.Method, response.StatusCode);
        }

        long received = response.Content.Headers.ContentLength ?? 0;
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Stream body = await response.Content.ReadAsStreamAsync(token).ConfigureAwait(false);
        await using (body.ConfigureAwait(false))
        {
            byte[] buffer = new byte[BufferSize];
            if (received <= limit)
            {
                received = 0;
                for (int count; received <= limit && (count = await body.ReadAsync(buffer, token).ConfigureAwait(false)) > 0; received += count)
                {
                    hash.AppendData(buffer, 0, count);
                    await destination.WriteAsync(buffer.AsMemory(0, count), token).ConfigureAwait(false);
                }
            }
        }

        return received <= limit ? Convert.ToHexStringLower(hash.GetHashAndReset()) : throw new RemoteCacheException($"it sent more than the {limit} bytes that were expected", isUnusable: false);
    }

    private HttpRequestMessage Request(HttpMethod method, string path) => new(method, new Uri(address.Url, path)) { Headers = { Authorization = authorization } };

    private static RemoteCacheException Unexpected(HttpMethod method, HttpStatusCode status) => new($"it answered {method} with {(int)status} ({status})", isUnusable: true);

    private T Within<T>(long bytes, Func<CancellationToken, Task<T>> work, CancellationToken cancellation)
    {
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(patience + TimeSpan.FromSeconds((double)bytes / LeastBytesPerSecond));
        try
        {
            return work(limit.Token).GetAwaiter().GetResult();
        }
        catch (OperationCanceledException fault) when (!cancellation.IsCancellationRequested)
        {
            throw new RemoteCacheException("it did not answer in time", isUnusable: true, fault);
        }
        catch (Exception fault) when (fault is HttpRequestException or IOException or UnauthorizedAccessException)
        {
            throw new RemoteCacheException(FaultDiagnostics.Clause(fault.Message), isUnusable: true, fault);
        }
    }
}
