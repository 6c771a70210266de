using System.Buffers;
using System.IO.MemoryMappedFiles;

namespace ModelBuildTasks.Onnx;

/// <summary>
/// A file as read-only memory. The mapping stays until the process ends: a span taken from the memory does not keep its owner
/// alive, so no moment before that is known to be safe. Pages are the file's own and cost no memory that the system cannot take back.
/// </summary>
internal sealed unsafe class MappedFile
{
    private readonly MemoryMappedFile? map;
    private readonly MemoryMappedViewAccessor? view;
    private readonly byte* start;

    /// <exception cref="IOException">The file cannot be read.</exception>
    internal MappedFile(string path)
    {
        // Another program may put a new file in this one's place while it is mapped.
        using FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete);
        Length = stream.Length;
        if (Length == 0)
        {
            return;
        }

        map = MemoryMappedFile.CreateFromFile(stream, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: false);
        view = map.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
        view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
        start += view.PointerOffset;
    }

    /// <summary>Bytes in the file when it was opened.</summary>
    internal long Length { get; }

    /// <summary>Part of the file. Offset and length lie inside it.</summary>
    internal ReadOnlyMemory<byte> Slice(long offset, int length) => length == 0 ? default : new View(this, offset, length).Memory;

    private sealed class View(MappedFile file, long offset, int length) : MemoryManager<byte>
    {
        public override Span<byte> GetSpan() => new(file.start + offset, length);

        public override MemoryHandle Pin(int elementIndex = 0) => new(file.start + offset + elementIndex, default, this);

        public override void Unpin()
        {
        }

        protected override void Dispose(bool disposing)
        {
        }
    }
}
