<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="en" sourcelanguage="en">
<context>
    <name>caldera::studio::JobsModel</name>
    <message numerus="yes">
        <source>%n cell(s) finished</source>
        <translation>
            <numerusform>%n cell finished</numerusform>
            <numerusform>%n cells finished</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>caldera::studio::MessageWidget</name>
    <message numerus="yes">
        <source>%n token(s)</source>
        <translation>
            <numerusform>%n token</numerusform>
            <numerusform>%n tokens</numerusform>
        </translation>
    </message>
</context>
</TS>
