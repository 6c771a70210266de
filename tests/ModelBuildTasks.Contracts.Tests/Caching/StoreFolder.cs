using ModelBuildTasks.Contracts.Caching;

namespace ModelBuildTasks.Contracts.Tests.Caching;

/// <summary>A store in a folder of one test's own.</summary>
internal sealed class StoreFolder : IDisposable
{
    public StoreFolder(long? bound = null) => Store = new ArtifactStore(Cache, bound);

    public string Folder { get; } = Directory.CreateTempSubdirectory("modelbuild-store-").FullName;

    public string Cache => Path.Combine(Folder, "cache");

    public string Restored => Path.Combine(Folder, "out", "restored.onnx");

    public ArtifactStore Store { get; }

    public static string Key(int number) => ContentHash.Of([(byte)number]);

    public string EntryOf(int number) => Path.Combine(Cache, "ac", Key(number)[..2], Key(number));

    public string ArtifactOf(byte[] bytes) => Path.Combine(Cache, "cas", ContentHash.Of(bytes)[..2], ContentHash.Of(bytes));

    public byte[] Put(int number, int length = 1000, int content = -1)
    {
        byte[] artifact = new byte[length];
        Array.Fill(artifact, (byte)(content < 0 ? number : content));
        var path = Path.Combine(Folder, $"made{number}.onnx");
        File.WriteAllBytes(path, artifact);
        Store.Store(Key(number), path, [.. "about "u8, (byte)('0' + number)]);
        return artifact;
    }

    public string? Get(int number) => Store.TryRestore(Key(number), Restored) is { } description ? System.Text.Encoding.ASCII.GetString(description) : null;

    /// <summary>As if nothing had used it for so long.</summary>
    public static void Age(TimeSpan age, params string[] paths)
    {
        foreach (var path in paths)
        {
            File.SetLastWriteTimeUtc(path, DateTime.UtcNow - age);
        }
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
