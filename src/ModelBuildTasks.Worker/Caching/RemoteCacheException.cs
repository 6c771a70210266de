namespace ModelBuildTasks.Worker.Caching;

/// <summary>What a remote cache did instead of its work, as a clause.</summary>
/// <param name="message">A clause about the server.</param>
/// <param name="isUnusable">Whether asking again would only cost time. A single damaged entry does not make a server unusable.</param>
/// <param name="cause">What happened underneath.</param>
internal sealed class RemoteCacheException(string message, bool isUnusable, Exception? cause = null) : Exception(message, cause)
{
    internal bool IsUnusable { get; } = isUnusable;
}
