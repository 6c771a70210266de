using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;

namespace ModelBuildTasks.Optimization.Training;

/// <summary>
/// A training as it stands, in a file: a mark, what it is of, the steps and what they led to, all numbers, and the SHA-256 of that. What is damaged, or of another training, is as if it was not there.
/// </summary>
/// <param name="path">The file.</param>
/// <param name="identity">What decides how the training goes; it goes on only where this is the same.</param>
internal sealed class TrainingCheckpoint(string path, string identity)
{
    private const string Mark = "MBT training 1";

    /// <summary>Writes the file whole, or leaves the one before. A disk that is full ends no training.</summary>
    /// <param name="numbers">What the loop counts.</param>
    /// <param name="arrays">All that training changes.</param>
    internal void Save(IReadOnlyList<double> numbers, IReadOnlyList<float[]> arrays)
    {
        string staged = $"{path}.{Guid.NewGuid():N}.staged";
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            using (FileStream file = File.Create(staged))
            using (SHA256 digest = SHA256.Create())
            using (CryptoStream digested = new(file, digest, CryptoStreamMode.Write, leaveOpen: true))
            using (BinaryWriter writer = new(digested, Encoding.UTF8))
            {
                writer.Write(Mark);
                writer.Write(identity);
                foreach (double number in numbers)
                {
                    writer.Write(number);
                }

                foreach (float[] array in arrays)
                {
                    writer.Write(MemoryMarshal.AsBytes(array.AsSpan()));
                }

                writer.Flush();
                digested.FlushFinalBlock();
                file.Write(digest.Hash);
            }

            File.Move(staged, path, overwrite: true);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            Delete(staged);
        }
    }

    /// <summary>Fills the arrays from the file.</summary>
    /// <param name="count">Of the numbers.</param>
    /// <param name="arrays">As they were saved; untouched where there is nothing to go on from.</param>
    /// <returns>The numbers; null where there is nothing to go on from.</returns>
    internal double[]? TryLoad(int count, IReadOnlyList<float[]> arrays)
    {
        try
        {
            if (!File.Exists(path))
            {
                return null;
            }

            byte[] bytes = File.ReadAllBytes(path);
            if (bytes.Length < SHA256.HashSizeInBytes || !SHA256.HashData(bytes.AsSpan(..^SHA256.HashSizeInBytes)).AsSpan().SequenceEqual(bytes.AsSpan(^SHA256.HashSizeInBytes..)))
            {
                return null;
            }

            using BinaryReader reader = new(new MemoryStream(bytes, 0, bytes.Length - SHA256.HashSizeInBytes), Encoding.UTF8);
            if (reader.ReadString() != Mark || reader.ReadString() != identity)
            {
                return null;
            }

            double[] numbers = [.. Enumerable.Range(0, count).Select(_ => reader.ReadDouble())];
            if (reader.BaseStream.Length - reader.BaseStream.Position != arrays.Sum(array => (long)array.Length * sizeof(float)))
            {
                return null;
            }

            foreach (float[] array in arrays)
            {
                reader.BaseStream.ReadExactly(MemoryMarshal.AsBytes(array.AsSpan()));
            }

            return numbers;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>The training has ended.</summary>
    internal void Delete() => Delete(path);

    /// <summary>Deletes a training's file where that can be done.</summary>
    internal static void Delete(string file)
    {
        try
        {
            File.Delete(file);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            // What is left over is of no use to anybody, and harms nobody.
        }
    }
}
