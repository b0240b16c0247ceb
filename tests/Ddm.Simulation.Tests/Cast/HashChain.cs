using System.Buffers.Binary;
using System.Security.Cryptography;
using Ddm.Runs;

namespace Ddm.Simulation.Tests;

/// <summary>Training as the simulation has it: the state of a step is the hash of the state before, so that a step left out, doubled or taken from another role shows in every later bit.</summary>
internal sealed class HashChain(long seed)
{
    /// <summary>Bytes of a state: a hash, then the step.</summary>
    public const int StateLength = SHA256.HashSizeInBytes + sizeof(long);

    private readonly Dictionary<Role, List<byte[]>> states = [];

    /// <summary>The data of a role, by the hash of their manifest.</summary>
    public string DataOf(Role role) => Convert.ToHexStringLower(SHA256.HashData([.. BitConverter.GetBytes(seed), .. BitConverter.GetBytes(role.StreamKey), 1]));

    /// <summary>The state at step 0.</summary>
    public byte[] Begin(Role role)
    {
        var state = new byte[StateLength];
        SHA256.HashData([.. BitConverter.GetBytes(seed), .. BitConverter.GetBytes(role.StreamKey)], state);
        return state;
    }

    /// <summary>One step.</summary>
    public static byte[] Next(byte[] state)
    {
        var next = new byte[StateLength];
        SHA256.HashData(state, next);
        BinaryPrimitives.WriteInt64LittleEndian(next.AsSpan(SHA256.HashSizeInBytes), StepOf(state) + 1);
        return next;
    }

    public static long StepOf(byte[] state) => BinaryPrimitives.ReadInt64LittleEndian(state.AsSpan(SHA256.HashSizeInBytes));

    /// <summary>What an undisturbed training has at this step.</summary>
    public byte[] At(Role role, long step)
    {
        if (!states.TryGetValue(role, out var known))
        {
            states.Add(role, known = [Begin(role)]);
        }

        while (known.Count <= step)
        {
            known.Add(Next(known[^1]));
        }

        return known[(int)step];
    }

    /// <summary>The second tensor file of a checkpoint, as far as it follows from the first.</summary>
    public static byte[] Average(byte[] state) => SHA256.HashData([.. state, 2]);
}
