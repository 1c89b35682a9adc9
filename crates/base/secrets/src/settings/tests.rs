use super::hold_secret;

/// Texts of files that hold a secret.
const SECRETS: &[&str] = &[
    // YAML.
    "spring:\n  datasource:\n    username: app\n    password: hunter2!\n",
    "users:\n- name: x\n  user:\n    token: s3cr3tvalue\n",
    "- token: s3cr3tvalue\n- b: c\n",
    "env:\n- name: DB_PASSWORD\n  value: hunter2!\n",
    "env:\n- value: hunter2!\n  name: DB_PASSWORD\n",
    "db:\n  password: |\n    hunter2!\n  user: a\n",
    "db:\n  password: >-\n\n    hunter2!\n",
    "db:\n  password:\n    hunter2!\n",
    "db: { user: a, password: hunter2! }\nlog: x\n",
    "users:\n- {name: admin, password: hunter2!}\n",
    "a:\n  password: &pw hunter2!\n",
    "a:\n  password: !!str hunter2!\n",
    "\"api_key\": 'hunter2!'\n",
    "a.json: \"{\\\"password\\\": \\\"hunter2!\\\"}\"\nb: c\n",
    // JSON.
    r#"{"password":"hunter2!"}"#,
    " {\"db\": {\"user\": \"a\\\"b\", \"db_pass\" : \"hunter2!\"}}\n",
    r#"[{"name":"DB_PASSWORD","value":"hunter2!"}]"#,
    "// of the shop\n{\n  \"a\": 1, \"password\": \"hunter2!\"\n}\n",
    // Properties, INI, TOML, variables.
    "spring.datasource.password=hunter2!\n",
    "db.user app\ndb.password hunter2!\n",
    "db.password = \\\n  hunter2!\n",
    "A=1\nexport DB_PASSWORD=hunter2!\n",
    "\u{feff}DB_PASSWORD=hunter2!\r\nA=1\r\n",
    "[db]\npassword = hunter2! # of the old one\n",
    "[db]\npassword = hunter2! ; of the old one\n",
    "db_password = \"hunter2!\"\n",
    "title = \"x\"\ndb = { user = \"a\", password = \"hunter2!\" }\n",
    "registry=https://r.example/\n//r.example/:_authToken=hunter2!\n",
    "jdbc.url=jdbc:mysql://db/app?user=a&password=hunter2!\nb=c\n",
    "dsn: \"host=db password=hunter2! sslmode=disable\"\nb: c\n",
    "{\"Db\":\"Server=db;User Id=sa;Password=hunter2!;\"}",
    "port 6379\nrequirepass hunter2!\n",
    // XML.
    "<Resource name=\"jdbc\" username=\"app\"\n  password=\"hunter2!\"/>\n",
    "<server>\n<username>a</username><password>hunter2!</password></server>\n",
    "<c>\n<property name=\"hibernate.connection.password\">hunter2!</property>\n</c>\n",
    "<property>\n<name>ConnectionPassword</name>\n<value>hunter2!</value>\n</property>\n",
    // Scripts and code.
    "#!/bin/sh\nPGPASSWORD=hunter2! psql -h db\n",
    "#!/bin/sh\nmysqldump -u root --password=hunter2! app\n",
    "#!/bin/sh\nvault login --token hunter2!\n",
    "x = 1\nDATABASES = {'default': {'USER': 'a', 'PASSWORD': 'hunter2!'}}\n",
    "<?php\ndefine('DB_PASSWORD', 'hunter2!');\n",
    "return [\n  'password' => 'hunter2!',\n];\n",
    "{\n  dbPassword: 'hunter2!',\n};\n",
    "let a = 1;\nconst password = \"hunter2!\";\n",
    "CREATE USER app WITH PASSWORD 'hunter2!';\nGRANT ALL ON app TO app;\n",
    "CREATE USER 'a'@'%' IDENTIFIED BY 'hunter2!';\nSELECT 1;\n",
    "A=1\nPOSTGRES_PASSWORD=password\n",
    "server {\n  proxy_set_header Authorization \"Basic YWRtaW46aHVudGVyMg==\";\n}\n",
    "{\"auths\":{\"r.example\":{\"auth\":\"YWRtaW46aHVudGVyMg==\"}}}",
    "headers:\n  Authorization: Bearer hunter2!\n",
];

/// And of files that look as if they did.
const HARMLESS: &[&str] = &[
    "password: ${DB_PASSWORD}\ntoken: \"\"\n",
    "password:\n  type: string\n",
    "password: |\n  of the one who asks\n",
    "password:\n",
    "the password: hunter2!\n",
    "# password: hunter2!\n",
    "; password = hunter2!\n",
    "// password: hunter2!\n",
    "password: hunter2! is what they all take\n",
    "password_file: hunter2!\nfile: |\n  hunter2!\n",
    "secret: shop/tls-cert\n",
    "password: !vault hunter2!\npassword: &p\n",
    "- name: DB_PASSWORD\n  valueFrom: hunter2!\n- name: A\n  value: hunter2!\n",
    "if [ \"$TOKEN\" = hunter2! ]; then\n",
    "if [ $TOKEN == hunter2! ]; then\n",
    r#"{"password":"$(PASSWORD)","token":""}"#,
    r#"{"password": 1, "name": "password", "levels": ["hunter2!"]}"#,
    r#"{"passwordFile":"hunter2!"}"#,
    r#"{"password": "cut"#,
    r#"{"password":{"type":"string"}}"#,
    "CREATE TABLE users (\n  name text,\n  password text NOT NULL\n);\n",
    "type User {\n  password: String!\n  token: string;\n}\n",
    "import os\npassword = os.environ['DB_PASSWORD']\ntoken = get_token()\n",
    "    self.password = password\ncfg.Password = secret.Password\n",
    "const a = 1;\nconst token = req.headers.authorization;\nf({token: t.token})\n",
    "a=b\npassword=ENC(abc123)\ntoken: ENC[AES256_GCM,data:abc]\n",
    "A=1\nDB_PASSWORD=your-password-here\nTOKEN=xxxxxxxx\nAPI_KEY=TODO\n",
    "url: redis://redis:6379/0\ncredentials: include\n",
    "data:\n- secretKey: db-password\n  token: access_token\nlogin.password=Password\n",
    "permissions:\n  id-token: write\npassword: yourPassword\n",
    "group: files\npasswd: files\ntoken: \"variable.other.source\"\n",
    "{\"input_token\": \"NextToken\", \"output_token\": \"nextToken\"}",
    "env:\n- name: a\n  value: production\nvolumes:\n  b:\n    name: secret\n",
    "Port 22\nPasswordAuthentication no\n",
    "limits: ${TOKEN:hunter2!}\n\n",
    "location / {\n  proxy_set_header X-Auth-Token $http_x_auth_token;\n}\n",
];

#[test]
fn files_that_set_secrets_are_told_from_what_looks_like_them() {
    let missed: Vec<&&str> = SECRETS.iter().filter(|text| !hold_secret(text, false)).collect();
    let taken: Vec<&&str> = HARMLESS.iter().filter(|text| hold_secret(text, true)).collect();
    assert!(missed.is_empty() && taken.is_empty(), "missed {missed:#?}, taken {taken:#?}");
}

#[test]
fn of_texts_of_one_line_only_files_set_something() {
    for text in ["password=hunter2!", "password: hunter2!"] {
        assert!(hold_secret(text, true) && !hold_secret(text, false), "{text}");
    }
    assert!(!hold_secret(r#"say "password": "hunter2!" "#, false));
}

#[test]
fn a_long_line_is_read_in_time() {
    let started = std::time::Instant::now();
    for piece in ["a=", "\"a\":", "<a>", "{ ", "password ", "\\\"", "('a','b')", "- - - a: "] {
        let text = format!("a\n{}", piece.repeat(200_000));
        assert!(!hold_secret(&text, true), "{piece}");
    }
    assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
}
