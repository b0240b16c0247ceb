using System.Text.Json;
using System.Text.Json.Nodes;

namespace Ddm.Runs;

/// <summary>A kind of value that a key may have: how it is read, and how it is written canonically.</summary>
internal abstract class SpecValue
{
    /// <summary>What is expected, as it ends a sentence.</summary>
    public abstract string Expected { get; }

    /// <summary>The value; null when it was refused.</summary>
    /// <param name="node">Where it stands.</param>
    /// <param name="refuse">Takes what is wrong, and with which node.</param>
    public abstract object? Read(SpecNode node, Action<SpecNode, string> refuse);

    /// <summary>Writes a value that <see cref="Read"/> returned.</summary>
    public abstract void Write(Utf8JsonWriter json, object value);

    /// <summary>What may stand there, as JSON schema.</summary>
    public abstract JsonObject Schema();

    /// <summary>The scalar behind a node, or null after refusing anything else.</summary>
    protected SpecScalar? Scalar(SpecNode node, Action<SpecNode, string> refuse)
    {
        switch (node)
        {
            case SpecScalar { IsNull: true }:
                refuse(node, $"no value; expected {Expected}, or no such key");
                return null;
            case SpecScalar scalar:
                return scalar;
            default:
                Refuse(node, refuse);
                return null;
        }
    }

    /// <summary>Says what stands there and what should.</summary>
    protected void Refuse(SpecNode node, Action<SpecNode, string> refuse)
    {
        if (node is not SpecNothing)
        {
            refuse(node, $"{node.Description} is not {Expected}");
        }
    }
}
